import type { ModelChoice } from '../../config/settings/models.ts';
import type { Json } from '../../core/json.ts';
import type { Model, ModelFailure } from '../../core/model.ts';
import { SecretError } from '../../core/secret-error.ts';

/**
 * The chosen model, made with its first call. If it cannot be made, that call fails like any other, and the turn ends
 * in an error that its client receives. The next call tries again if `make` does.
 */
export function lazyModel(
  choice: ModelChoice,
  make: () => Promise<Model>,
  { fingerprint, alternates }: { fingerprint?: Json | undefined; alternates?: boolean } = {},
): Model {
  return {
    ...(alternates && { alternates }),
    provider: choice.provider,
    name: choice.provider === 'demo' ? 'demo' : choice.modelId,
    ...(fingerprint !== undefined && { fingerprint }),
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
}

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
    diagnostic: error instanceof Error ? `${error.name}: ${error.message}` : `${typeof error} thrown`,
  };
}
