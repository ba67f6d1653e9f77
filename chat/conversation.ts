import { visible } from '../client/display.ts';
import { type Answer, answerQuestion, questionsOf } from '../client/elicitation.ts';
import { type Chat, type ChatState, type Content, ContentError, createMidturn } from '../client/index.ts';
import type { Arguments } from './arguments.ts';
import { type Command, HELP, readCommand } from './commands.ts';
import { Feed, type Piece, toolLine, waitingNote, written } from './feed.ts';
import { questionLines, readAnswer, resolvedLine } from './questions.ts';
import type { Screen } from './screen.ts';

export interface Conversation {
  readonly chat: Chat;
  /** Executes a typed line. Returns false if the user wants to quit. */
  take(line: string): boolean;
  /** Resolves when no turn runs and no message is pending, or when the connection is closed. */
  quiet(): Promise<void>;
  /** Returns the messages that the server had not accepted. */
  close(): string[];
}

export function converse({ url, token, sessionId, agent }: Arguments, screen: Screen): Conversation {
  /** Words of this program: they have no place in the conversation. */
  const say = (style: Extract<Piece, { kind: 'line' }>['style'], ...lines: string[]): void =>
    screen.show(lines.map((text) => ({ kind: 'line', style, text, aside: true })));
  const chat = createMidturn({
    url,
    deviceName: 'Midturn terminal',
    ...(token ? { token } : {}),
    ...(sessionId ? { sessionId } : {}),
    ...(agent ? { agent } : {}),
    onError: (error) => {
      // Errors of the connection are shown by its state.
      if (error.name !== 'ConnectionError') say('trouble', `! ${error.code}: ${error.message}`);
    },
  });
  const feed = new Feed();
  let greeting = 'Connected. Write a message, also while it answers. /help lists the commands.';
  let wasOnline = false;
  let named: string | undefined;
  let offered = false;
  const look = (): void => {
    const state = chat.transcript.getSnapshot();
    const isOnline = state.connection.status === 'online';
    if (isOnline && !wasOnline) {
      say('note', greeting);
      greeting = 'Connected again.';
    }
    wasOnline = isOnline;
    if (state.agent !== undefined && state.agent !== named)
      say('note', `The agent is ${visible(state.agent)}.`);
    else if (
      isOnline &&
      !offered &&
      state.agent === undefined &&
      agent === undefined &&
      state.agents.length > 1
    ) {
      offered = true;
      say('note', `Agents for a new conversation: ${visible(state.agents.join(', '))}. --agent chooses one.`);
    }
    named = state.agent;
    const pieces = feed.next(state);
    if (pieces.length > 0) screen.show(pieces);
    if (!state.activeTurn) screen.finish();
    screen.status(statusOf(state));
  };
  const unsubscribe = chat.transcript.subscribe(look);
  look();

  const questions = questionsOf(chat);
  /** What is said of each question: that it is asked, then what became of it. */
  const told = new Map<string, 'asked' | 'resolved'>();
  const leaveQuestions = questions.subscribe(() => {
    for (const question of questions.getSnapshot()) {
      const { requestId, resolved } = question;
      const before = told.get(requestId);
      if (before === (resolved ? 'resolved' : 'asked')) continue;
      told.set(requestId, resolved ? 'resolved' : 'asked');
      if (resolved) say('note', resolvedLine(question));
      else say('trouble', ...questionLines(question));
    }
  });

  function answer(text: string | undefined): void {
    const question = questions.getSnapshot().find(({ resolved }) => !resolved);
    if (!question) {
      say('note', 'Nobody asks.');
      return;
    }
    const read = text === undefined || question.url !== undefined ? undefined : readAnswer(question, text);
    if (read && 'complaint' in read) {
      say('trouble', `! ${read.complaint}`);
      return;
    }
    const given: Answer = text === undefined ? { action: 'decline' } : { action: 'accept', ...read };
    answerQuestion(chat, question.requestId, given).catch((error: unknown) => {
      if (error instanceof Error && error.name !== 'ClosedError') say('trouble', `! ${error.message}`);
    });
  }

  function obey(command: Command): void {
    const { pending, items, trusted } = chat.transcript.getSnapshot();
    switch (command.kind) {
      case 'send':
        send(command.content, command.delivery);
        return;
      case 'stop':
        if (chat.transcript.getSnapshot().activeTurn) chat.abort();
        else say('note', 'Nothing is being answered.');
        return;
      case 'cancel': {
        const message = pending.at((command.which ?? 0) - 1);
        if (message) chat.cancel(message.id);
        else say('note', 'No such message waits.');
        return;
      }
      case 'decide': {
        const asking = items.find((item) => item.kind === 'approval' && item.decision === undefined);
        if (asking?.kind === 'approval') chat.approve(asking.requestId, command.decision);
        else say('note', 'No tool asks.');
        return;
      }
      case 'answer':
        answer(command.text);
        return;
      case 'trusted':
        say('note', ...trustedLines(trusted));
        return;
      case 'revoke': {
        const trust = command.which === undefined ? undefined : trusted[command.which - 1];
        if (command.which !== undefined && trust === undefined)
          say('note', 'No such approval is for always.');
        else {
          chat.revoke(trust);
          say(
            'note',
            trust === undefined ? 'All is asked about again.' : `${visible(trust)} is asked about again.`,
          );
        }
        return;
      }
      case 'help':
        say('note', ...HELP);
        return;
      case 'unknown':
        say('note', `There is no /${command.name}. /help lists the commands.`);
    }
  }

  function send(content: Content, delivery: Extract<Command, { kind: 'send' }>['delivery']): void {
    try {
      chat.send(content, { delivery });
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      say('trouble', `! ${error.message}`);
    }
  }

  return {
    chat,
    take(line) {
      const command = readCommand(line);
      obey(command);
      return command.kind !== 'quit';
    },
    quiet: () =>
      new Promise((resolve) => {
        const see = (): void => {
          const { pending, activeTurn, connection } = chat.transcript.getSnapshot();
          if (connection.status !== 'closed' && (pending.length > 0 || activeTurn)) return;
          unfollow();
          resolve();
        };
        const unfollow = chat.transcript.subscribe(see);
        see();
      }),
    close() {
      // Closing changes the state, which a closed screen cannot show.
      unsubscribe();
      leaveQuestions();
      const unsent = chat.transcript.getSnapshot().pending.filter(({ state }) => state.status === 'sending');
      chat.close();
      return unsent.map(({ content }) => written(content));
    },
  };
}

function trustedLines(trusted: readonly string[]): string[] {
  if (trusted.length === 0) return ['Nothing runs without being asked about that needs an approval.'];
  return trusted.map((trust, index) => `${index + 1}. ${visible(trust)}`);
}

/** The lines below the conversation, which change: running tools, pending messages, the connection. */
function statusOf({ pending, items, activeTurn, connection }: ChatState): string[] {
  const tools = items.flatMap((item) =>
    item.kind === 'tool' && !item.result && item.turnId === activeTurn?.turnId ? [toolLine(item)] : [],
  );
  const waiting = pending.map(
    (item, index) => `${index + 1}. ${written(item.content)}   [${waitingNote(item)}]`,
  );
  return [
    ...tools,
    ...waiting,
    ...(activeTurn?.stopping ? ['stopping …'] : []),
    ...connectionLine(connection),
  ];
}

function connectionLine({ status }: ChatState['connection']): string[] {
  switch (status) {
    case 'online':
      return [];
    case 'waiting':
      return ['The connection is lost. Trying again …'];
    case 'connecting':
      return ['Connecting …'];
    case 'offline':
    case 'closed':
      return [];
  }
}
