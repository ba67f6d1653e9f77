import { createInterface } from 'node:readline';
import { howToGoOn, readArguments, USAGE, UsageError } from './arguments.ts';
import { converse } from './conversation.ts';
import { plainScreen, TerminalScreen } from './screen.ts';
import { harmless } from './wrap.ts';

/** `npm run chat`: a conversation in the terminal. If input or output is not a terminal, it prints plain lines. */
async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2), process.env);
  if (options === 'help') {
    console.log(USAGE);
    return;
  }
  const { stdin, stdout } = process;
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
  const input = createInterface(
    isTerminal ? { input: stdin, output: stdout, prompt: '> ' } : { input: stdin },
  );
  const terminal = isTerminal ? new TerminalScreen(stdout, input) : undefined;
  const screen = terminal ?? plainScreen(stdout);
  const conversation = converse(options, screen);
  const { sessionId } = conversation.chat;

  let hasLeft = false;
  input.on('line', (line) => {
    terminal?.typed(line);
    if (conversation.take(line)) return;
    hasLeft = true;
    input.close();
  });
  input.on('SIGINT', () => {
    hasLeft = true;
    input.close();
  });
  await new Promise<void>((resolve) => input.once('close', resolve));
  // When the input of a pipe ends, the answers to its messages are still awaited.
  if (!isTerminal && !hasLeft) await conversation.quiet();
  screen.close();
  for (const text of conversation.close()) console.log(`The server did not confirm: ${harmless(text)}`);
  if (isTerminal) console.log(howToGoOn(options, sessionId, process.env));
}

main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
  process.exit(error instanceof UsageError ? 2 : 1);
});
