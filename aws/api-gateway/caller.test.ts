import { describe, expect, it } from 'vitest';
import { callerOf } from './caller.ts';

const principal = { tenant: 'acme', subject: 'ada' };

describe('the caller', () => {
  it('is whom the authorizer named, and counted as that user', () => {
    expect(callerOf({ authorizer: principal })).toEqual({ principal, countedFor: principal });
  });

  it.each(['true', true])('that all clients share is not counted as one user: shared is %o', (shared) => {
    expect(callerOf({ authorizer: { ...principal, shared } })).toEqual({ principal });
  });

  it('that all clients share is counted by the address that the authorizer named, as no principal can be', () => {
    const authorizer = { ...principal, shared: 'true', address: '192.0.2.7' };
    expect(callerOf({ authorizer })).toEqual({
      principal,
      countedFor: { tenant: '', subject: '192.0.2.7' },
    });
  });

  it.each(['false', false, null, undefined])('is counted otherwise: shared is %o', (shared) => {
    expect(callerOf({ authorizer: { ...principal, shared } })?.countedFor).toEqual(principal);
  });

  it.each(['1800000000', 1_800_000_000])('comes with the end of its token, as text: %o', (expires) => {
    expect(callerOf({ authorizer: { ...principal, expires } })?.tokenExpires).toBe(1_800_000_000);
    expect(callerOf({ authorizer: principal })).not.toHaveProperty('tokenExpires');
  });

  it.each([{}, { authorizer: null }, { authorizer: { tenant: 'acme' } }, { authorizer: { subject: 'ada' } }])(
    'is nobody without a tenant and a subject: %o',
    (requestContext) => {
      expect(callerOf(requestContext)).toBeUndefined();
    },
  );
});
