/** The header by which CloudFront, or another proxy in front of the API, proves that a handshake came through it. */
export const ORIGIN_HEADER = 'x-midturn-origin';
