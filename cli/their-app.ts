import { LOCAL_DEFAULTS } from '../config/settings/table.ts';
import { BEDROCK_ENDPOINT, type LocalApp, settingsOfTheCloud } from '../local/cloud.ts';
import { LocalCloudError } from '../local/errors.ts';
import { synthesizeApp } from '../local/synth.ts';
import { allDescribedIn } from '../local/template/described.ts';
import type { Template } from '../local/template/template.ts';

/**
 * Synthesizes the app of a folder for the local cloud, and finds its Midturn.
 * @param settings of the functions, which stand in the place of props
 * @param stack the stack to run. @default - the one with a Midturn
 * @throws {LocalCloudError} with the app's error, or for an app without a Midturn that can run here
 */
export async function readTheirApp(
  folder: string,
  { [BEDROCK_ENDPOINT]: _, ...settings }: Readonly<Record<string, string>>,
  stack: string | undefined,
): Promise<LocalApp> {
  const { templates, fillIn } = await synthesizeApp(folder, {
    ...LOCAL_DEFAULTS,
    ...settings,
    ...settingsOfTheCloud('http://127.0.0.1'),
  });
  const found = [...templates].flatMap(([name, text]) => {
    const [midturn] = allDescribedIn(JSON.parse(text) as Template);
    return midturn && (stack === undefined || name === stack) ? [{ name, text, midturn }] : [];
  });
  const [chosen, ...others] = found;
  if (!chosen) {
    const names = [...templates.keys()].join(', ') || 'none';
    throw new LocalCloudError(
      stack === undefined
        ? `no stack of the app has a Midturn. Its stacks: ${names}.`
        : `the app has no stack ${stack} with a Midturn. Its stacks: ${names}.`,
    );
  }
  if (others.length > 0) {
    const names = found.map(({ name }) => name).join(', ');
    throw new LocalCloudError(`several stacks have a Midturn: ${names}. Choose one with --stack.`);
  }
  const { agent, page, path } = chosen.midturn;
  if (agent === undefined) throw new LocalCloudError(`${path} has no prop agent.`);
  return { agent, ...(page !== undefined && { page }), template: (all) => fillIn(chosen.text, all) };
}
