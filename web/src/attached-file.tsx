import { createContext, useContext, useEffect, useState } from 'react';
import type { UploadedFile } from '../../client/files.ts';

/** Gives an address for a file of the session, good for some minutes. */
export const FileAddress = createContext<(file: string) => Promise<string>>(() =>
  Promise.reject(new Error('There is no chat.')),
);

type State = { status: 'asked' } | { status: 'known'; url: string } | { status: 'gone' };

/** A file of a message or of a tool: an image is shown, audio is played, another is opened in a tab of its own. */
export function AttachedFile({
  file: { file, media_type, name, size },
  from,
}: {
  file: UploadedFile;
  /** In words, for a file without a name. */
  from: string;
}) {
  const address = useContext(FileAddress);
  const isImage = media_type.startsWith('image/');
  const [isWanted, want] = useState(isImage);
  const [state, setState] = useState<State>({ status: 'asked' });
  useEffect(() => {
    if (!isWanted) return;
    let isLeft = false;
    address(file).then(
      (url) => isLeft || setState({ status: 'known', url }),
      () => isLeft || setState({ status: 'gone' }),
    );
    return () => {
      isLeft = true;
    };
  }, [address, file, isWanted]);
  const title = `${name ?? 'File'} (${inWords(size)})`;

  if (state.status === 'gone') return <p className="attached-file">{title}: not there any more</p>;
  if (state.status === 'known' && isImage)
    return <img className="attached" src={state.url} alt={name ?? from} />;
  if (state.status === 'known' && media_type.startsWith('audio/'))
    // biome-ignore lint/a11y/useMediaCaption: nobody has written down what a user says
    return <audio className="attached-file" controls autoPlay src={state.url} aria-label={title} />;
  const open = async () => {
    if (media_type.startsWith('audio/')) return want(true);
    // At once, within the click: a browser blocks a tab that opens later.
    const tab = window.open('about:blank');
    if (tab) tab.opener = null;
    try {
      const url = await address(file);
      if (tab) tab.location.href = url;
    } catch {
      tab?.close();
      setState({ status: 'gone' });
    }
  };
  return (
    <p className="attached-file">
      {isImage ? (
        title
      ) : (
        <button type="button" className="link" onClick={open}>
          {title}
        </button>
      )}
    </p>
  );
}

const inWords = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
