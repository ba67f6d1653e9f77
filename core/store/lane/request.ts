import type { RequestId } from '../../ids.ts';
import type { AbortRequest, ClientOutput, Decision, Lane } from '../items.ts';
import type { Update } from '../update.ts';
import { absent, equals, exists, set } from '../update.ts';

/** Requests that the turn stops. It names the turn, so it never stops another one. The turn must have a worker. */
export const requestAbort = (request: AbortRequest): Update<Lane> => ({
  when: [
    // rule: abort-names-its-turn
    equals('turn', request.turn),
    exists('lease'),
  ],
  change: [set('cancel', request)],
});

/**
 * Decides an approval request. The request must be open and undecided, so the first decision counts. The writer
 * recognises its own success by `decisions`.
 */
export const decide = (request: RequestId, decision: Decision): Update<Lane> => ({
  when: [
    exists(['approvals', request]),
    // rule: first-decision-counts
    absent(['decisions', request]),
  ],
  change: [set(['decisions', request], decision)],
});

/**
 * Answers a request for what a client gives. The request must be open and unanswered, so the first answer counts. The writer
 * recognises its own success by `outputs`.
 */
export const give = (request: RequestId, given: ClientOutput): Update<Lane> => ({
  when: [
    // rule: output-needs-open-request
    exists(['asked', request]),
    // rule: first-output-counts
    absent(['outputs', request]),
  ],
  change: [set(['outputs', request], given)],
});
