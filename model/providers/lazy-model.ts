import type { Json } from '../../core/json.ts';
import type { Model, ModelFailure, Price } from '../../core/model.ts';
import { SecretError } from '../../core/secret-error.ts';

/**
 * The chosen model, made with its first call. If it cannot be made, that call fails like any other, and the turn ends
 * in an error that its client receives. The next call tries again if `make` does.
 */
export function lazyModel(
  identity: { provider: string; name: string },
  make: () => Promise<Model>,
  {
    fingerprint,
    alternates,
    price,
    prepares = false,
  }: {
    fingerprint?: Json | undefined;
    alternates?: boolean;
    price?: Price | undefined;
    /** The agent's code prepares each call. */
    prepares?: boolean;
  } = {},
): Model {
  const lazy: Model = {
    ...(alternates && { alternates }),
    provider: identity.provider,
    name: identity.name,
    ...(fingerprint !== undefined && { fingerprint }),
    ...(price && { price }),
    async *stream(request, signal, alive) {
      let model: Model;
      try {
        model = await make();
      } catch (error) {
        yield { type: 'failure', failure: unavailable(error) };
        return;
      }
      if (!signal.aborted) yield* model.stream(request, signal, alive);
    },
  };
  if (!prepares) return lazy;
  return {
    ...lazy,
    async prepareStep(request, ...how) {
      // One that cannot be made fails its call.
      const model = await make().catch(() => lazy);
      return model.prepareStep?.(request, ...how) ?? { model: lazy, request };
    },
  };
}

const describe = (error: Error): string =>
  [error.name, ...('code' in error ? [error.code] : []), error.message].join(': ');

function unavailable(error: unknown): ModelFailure {
  if (error instanceof SecretError) {
    return {
      code: 'AUTH_ERROR',
      reason: 'unauthorised',
      message: 'The credentials for the model provider could not be read.',
      retryable: true,
      diagnostic: error.message,
    };
  }
  return {
    code: 'PROVIDER_ERROR',
    reason: 'unknown',
    message: 'The model could not be set up.',
    retryable: false,
    diagnostic: error instanceof Error ? describe(error) : `${typeof error} thrown`,
  };
}
