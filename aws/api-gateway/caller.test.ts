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

  it.each([undefined, null])('has a token without an end where the authorizer says %o of it', (expires) => {
    expect(callerOf({ authorizer: { ...principal, expires } })).not.toHaveProperty('tokenExpires');
  });

  it.each(['', undefined, null, 7])(
    'of a shared principal is not counted by an address that is none: %j',
    (address) => {
      expect(callerOf({ authorizer: { ...principal, shared: 'true', address } })).toEqual({ principal });
    },
  );

  it.each([
    {},
    { authorizer: null },
    { authorizer: { tenant: 'acme' } },
    { authorizer: { subject: 'ada' } },
    { authorizer: { tenant: 'acme', subject: '' } },
    { authorizer: { tenant: 7, subject: 'ada' } },
    { authorizer: { tenant: 'acme', subject: 7 } },
  ])('is nobody without a tenant and a subject: %o', (requestContext) => {
    expect(callerOf(requestContext)).toBeUndefined();
  });
});
