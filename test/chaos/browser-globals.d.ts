/** Browser globals that the client library looks for. Its own project has the DOM's types. */
declare var document: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & {
  readonly visibilityState: string;
};
declare var addEventListener: EventTarget['addEventListener'] | undefined;
declare var removeEventListener: EventTarget['removeEventListener'];
