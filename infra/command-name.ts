/**
 * How an operators' command is called, for texts that a user copies: as the binary was called, which says so, and otherwise as the
 * script of a clone.
 *
 * @param name the command's name, which is that of its script as well
 */
export function commandName(name: string): string {
  const called = process.env.MIDTURN_PROGRAM;
  // The binary names the command that it started. Beside it, a usage text can show another one.
  return called === undefined ? `npm run ${name} --` : called.replace(/\S+$/, name);
}
