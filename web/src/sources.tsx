import type { FileItem, Source, SourcesItem } from '../../client/index.ts';

/** What the model names for its answer: links to pages, names of documents. */
export function Sources({ item }: { item: SourcesItem }) {
  return (
    <nav className="sources" aria-label="Sources">
      <ol>
        {item.sources.map((source) => (
          <li key={source.id}>
            <SourceName source={source} />
          </li>
        ))}
      </ol>
    </nav>
  );
}

function SourceName({ source }: { source: Source }) {
  if (source.type === 'document') return <span>{source.title}</span>;
  const { url, title } = source;
  // Another server may send any address, and one of a script would run here.
  if (!/^https?:/i.test(url)) return <span>{title ?? url}</span>;
  return (
    <a href={url} target="_blank" rel="noreferrer noopener">
      {title ?? url}
    </a>
  );
}

/** An image that the model made, or another file to save. */
export function ModelFile({ item: { mediaType, bytes, data } }: { item: FileItem }) {
  const size = `${bytes.toLocaleString('en')} bytes`;
  if (data === undefined) {
    return (
      <p className="note">
        The model made a file ({mediaType}, {size}). It is too large to be kept.
      </p>
    );
  }
  const url = `data:${mediaType};base64,${data}`;
  if (SHOWN.test(mediaType)) return <img className="attached" src={url} alt="Made by the model" />;
  return (
    <p className="note">
      <a href={url} download>
        Save a file of the model
      </a>{' '}
      ({mediaType}, {size})
    </p>
  );
}

/** Images that browsers show and that run nothing. */
const SHOWN = /^image\/(png|jpeg|gif|webp)$/;
