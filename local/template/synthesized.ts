import { type PlacedStatement, readRoles } from '../aws/roles.ts';
import { synthesizeTemplate } from '../synth.ts';
import { readStack } from './stack.ts';

/**
 * Returns all statements of all functions' roles, as the app grants them with these settings, and those of resource
 * policies. It needs no running local cloud.
 */
export async function synthesizedStatements(
  settings: Readonly<Record<string, string>>,
): Promise<{ ofRoles: readonly PlacedStatement[]; ofResources: readonly PlacedStatement[] }> {
  // No queue is called by its URL here.
  const stack = readStack(await synthesizeTemplate(settings), {
    sqsEndpoint: 'http://127.0.0.1',
  });
  const roles = readRoles(stack);
  return {
    ofRoles: roles.names.flatMap((role) => [...roles.statementsOf(role)]),
    ofResources: roles.ofResources,
  };
}
