import { afterEach, describe, expect, it, vi } from 'vitest';
import { fittingImage, ImageError } from './fitting-image.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const PREFIX = 'data:image/jpeg;base64,';

/** What the browser was told to draw. */
interface Drawn {
  width: number;
  height: number;
  /** What is under the picture. */
  ground: unknown[];
  /** Where the picture is, and how large. */
  picture: unknown[];
  type?: string;
  quality?: unknown;
}

/**
 * A browser in which pictures have this size, and a JPEG as many characters as `lengthOf` says.
 * `closed` counts the pictures that were let go of.
 */
function givenBrowser(width: number, height: number, lengthOf: (drawn: Drawn) => number) {
  const drawings: Drawn[] = [];
  const told = { closed: 0, drawings };
  const picture = { width, height, close: () => (told.closed += 1) };
  vi.stubGlobal('createImageBitmap', async () => picture);
  vi.stubGlobal('document', {
    createElement: () => {
      const drawn: Drawn = { width: 0, height: 0, ground: [], picture: [] };
      const context = {
        fillStyle: '',
        fillRect: (...where: number[]) => drawn.ground.push(context.fillStyle, ...where),
        drawImage: (of: unknown, ...where: number[]) => drawn.picture.push(of === picture, ...where),
      };
      return Object.assign(drawn, {
        getContext: (kind: string) => (kind === '2d' ? context : null),
        toDataURL: (type: string, quality: unknown) => {
          drawings.push({ ...drawn, type, quality });
          return PREFIX + 'A'.repeat(lengthOf({ ...drawn, type, quality }));
        },
      });
    },
  });
  return told;
}
const bytes = (count: number, type = 'image/png') =>
  new File([Uint8Array.from({ length: count }, (_, at) => 255 - at)], 'a', { type });

describe('an image that fits', () => {
  it.each(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])('stays as it is: %s', async (type) => {
    const file = bytes(6, type);
    const data = Buffer.from(await file.arrayBuffer()).toString('base64');
    expect(await fittingImage(file, data.length)).toEqual({ type: 'image', media_type: type, data });
  });

  it.each([
    [3, 4, true],
    [3, 3, false],
    [4, 7, false],
    [4, 8, true],
    [6, 8, true],
    [7, 8, false],
    [1, -1, false],
  ])('of %i bytes in %i characters of base64: %s', async (size, characters, isUnchanged) => {
    const { drawings } = givenBrowser(10, 10, () => 0);
    const { media_type } = await fittingImage(bytes(size), characters).catch(() => ({ media_type: 'none' }));
    expect(media_type === 'image/png').toBe(isUnchanged);
    expect(drawings.length > 0).toBe(!isUnchanged);
  });
});

describe('an image that does not fit', () => {
  it('is drawn as large and as well as fits, on white, and the picture is let go of', async () => {
    // As large as 1,280 pixels at 0.6, but not at 0.8.
    const told = givenBrowser(4000, 3000, ({ width, quality }) => Math.round(width * Number(quality) * 10));
    const { data, ...rest } = await fittingImage(bytes(90_000), 1280 * 6);
    expect(rest).toEqual({ type: 'image', media_type: 'image/jpeg' });
    expect(data).toBe('A'.repeat(1280 * 6));
    expect(told.drawings).toEqual(
      [0.8, 0.6].map((quality) => ({
        width: 1280,
        height: 960,
        ground: ['#fff', 0, 0, 1280, 960],
        picture: [true, 0, 0, 1280, 960],
        type: 'image/jpeg',
        quality,
        getContext: expect.any(Function),
        toDataURL: expect.any(Function),
      })),
    );
    expect(told.closed).toBe(1);
  });

  it('becomes smaller step by step, by its longer side, and never larger than it was', async () => {
    const told = givenBrowser(100, 500, () => 2);
    await expect(fittingImage(bytes(900), 1)).rejects.toThrow(ImageError);
    const sizes = told.drawings.map(({ width, height }) => `${width}x${height}`);
    expect([...new Set(sizes)]).toEqual(['100x500', '80x400', '60x300', '44x220', '32x160']);
    expect(told.drawings.map(({ quality }) => quality).slice(0, 4)).toEqual([0.8, 0.6, 0.4, 0.8]);
    expect(sizes).toHaveLength(15);
    expect(told.closed).toBe(1);
  });

  it('has at least one pixel each way', async () => {
    const { drawings } = givenBrowser(9000, 1, () => 1);
    await fittingImage(bytes(900), 1);
    expect(drawings[0]).toMatchObject({ width: 1280, height: 1 });
  });

  it('of another type is drawn also where its bytes fit', async () => {
    givenBrowser(10, 10, () => 4);
    expect(await fittingImage(bytes(3, 'image/bmp'), 100)).toMatchObject({ media_type: 'image/jpeg' });
  });

  it('is refused in words where the browser cannot read it, or cannot draw', async () => {
    vi.stubGlobal('createImageBitmap', async () => {
      throw new DOMException('no');
    });
    await expect(fittingImage(bytes(9, 'text/plain'), 100)).rejects.toThrow(
      /no image that the browser can read/,
    );
    const told = givenBrowser(10, 10, () => 1);
    vi.stubGlobal('document', { createElement: () => ({ getContext: () => null }) });
    await expect(fittingImage(bytes(900), 100)).rejects.toThrow(/cannot make the image smaller/);
    expect(told.closed).toBe(1);
  });
});
