export interface Command {
  /** One line of the help. */
  says: string;
  /** Put before the arguments of the command line. */
  arguments?: readonly string[];
  /** Loads the program, which runs and sets the exit code. */
  start(): Promise<unknown>;
}

/** The commands of `midturn`, in the order of the help. */
export const COMMANDS = {
  init: {
    says: 'makes a CDK app with an agent, or adds an agent to the app of this folder',
    start: () => import('./init.ts'),
  },
  dev: { says: 'runs the CDK app of this folder on this machine', start: () => import('./dev.ts') },
  chat: { says: 'a conversation in the terminal', start: () => import('../chat/main.ts') },
  smoke: {
    says: 'asks a deployment for one steered answer',
    arguments: ['--short'],
    start: () => import('../infra/doctor/main.ts'),
  },
  doctor: {
    says: 'checks a deployment: conversations, functions, secrets, alarms',
    start: () => import('../infra/doctor/main.ts'),
  },
  sessions: {
    says: 'lists, exports, inspects, renames, deletes and disconnects sessions',
    start: () => import('../infra/sessions.ts'),
  },
  'delete-principal': {
    says: 'deletes everything of one principal',
    start: () => import('../infra/delete-principal.ts'),
  },
  synth: {
    says: 'synthesizes the CDK app of this folder for an emulator of AWS',
    start: () => import('./synth.ts'),
  },
  conformance: {
    says: 'checks a server or a client of the protocol against its rules',
    start: () => import('../conformance/main.ts'),
  },
} as const satisfies Record<string, Command>;

export function helpText(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { says }]) => `  ${name.padEnd(width)}  ${says}`);
  return `usage: midturn <command> [arguments]

${lines.join('\n')}

midturn <command> --help   what a command takes
midturn --version          the version of this package

Exit status: 0 when all went well, 1 when a check or an answer failed, 2 when the command line is wrong.`;
}
