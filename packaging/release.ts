import { pack } from './pack.ts';

/** `npm run build:package`: makes the tarballs of both packages in `dist/packages`, and prints their paths. */

for (const tarball of await pack()) console.log(tarball);
