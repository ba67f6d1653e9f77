import { expect, it } from 'vitest';
import { clientAddress, countedAddress } from './address.ts';

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1:2:3:4:5:6::', '1:2:3:4::/64'],
])('a client at %s is counted as %s', (address, counted) => {
  expect(countedAddress(address)).toBe(counted);
});

it.each([
  ['a proxy’s client', '198.51.100.7, 203.0.113.1', true, '198.51.100.7'],
  ['a client that invents one', '192.0.2.9, 198.51.100.7, 203.0.113.1', true, '198.51.100.7'],
  ['a proxy whose own address was not added', '198.51.100.7', true, '198.51.100.7'],
  ['a proxy that names nobody', '203.0.113.1', true, '203.0.113.1'],
  ['a proxy without the header', '', true, '203.0.113.1'],
  ['whoever connects directly and names another', '198.51.100.7, 203.0.113.1', false, '203.0.113.1'],
])(
  'behind the address 203.0.113.1, %s is told by its header “%s”',
  (_, forwardedFor, isBehindProxy, address) => {
    expect(clientAddress('203.0.113.1', forwardedFor, isBehindProxy)).toBe(address);
  },
);
