/** For people: how an answer ended, if it did not end as it should. `finishReason`: that of `done`. */
export function endingNote(finishReason: string | undefined): string | undefined {
  switch (finishReason) {
    case undefined:
    case 'stop':
      return undefined;
    case 'length':
      return 'cut at the limit of tokens';
    case 'content_filter':
      return "ended by the provider's content filter";
    case 'refusal':
      return 'the model refused to go on';
    default:
      return `ended: ${finishReason}`;
  }
}
