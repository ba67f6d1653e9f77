/** What one client received, in order, over all its connections. */
export class Arrivals {
  /** WebSocket messages, or server-sent events. */
  frames = 0;
  /** Text of the assistant, replays included. */
  readonly texts: { at: number; text: string }[] = [];
  /** In milliseconds of `performance.now()`. */
  lastAt = performance.now();

  frame(): void {
    this.frames++;
    this.lastAt = performance.now();
  }

  text(text: string): void {
    if (text !== '') this.texts.push({ at: performance.now(), text });
  }

  get textLength(): number {
    return this.texts.reduce((sum, { text }) => sum + text.length, 0);
  }
}
