/** What the client library looks for in a browser and does not find here; its own project has the DOM's types. */
declare var document: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & {
  readonly visibilityState: string;
};
declare var addEventListener: EventTarget['addEventListener'] | undefined;
declare var removeEventListener: EventTarget['removeEventListener'];
