/**
 * Test files in a process of their own. Others share that of their worker, and its modules: a process costs each file a second of a
 * processor, and one that starts a local cloud three. `each-file.ts` fails a file that leaves something changed.
 */
export const APART = [
  // The CDK keeps what it has read of its environment, and a synth leaves names in it.
  'infra/**/*.test.ts',
  // Sets the environment for the program that it starts.
  'cli/**/*.test.ts',
  // Each file has a document of its own, with timers and a storage that its modules keep.
  'web/**/*.test.ts',
  'client/react/**/*.test.ts',
  // Loads a handler again and again, each time with another environment.
  'lambdas/**/*.test.ts',
];
