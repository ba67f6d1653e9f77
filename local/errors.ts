/** An error that the user can correct. It is printed as one line, without a stack. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
