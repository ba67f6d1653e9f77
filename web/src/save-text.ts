/** Gives the reader a file, as a download. */
export function saveText(pieces: readonly string[], name: string): void {
  const url = URL.createObjectURL(new Blob([...pieces], { type: 'application/jsonl' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Once the download has begun.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
