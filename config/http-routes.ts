/** The routes of the HTTP API, as API Gateway names them. The stack makes each, and the function `http` answers it. */
export const HTTP_ROUTES = [
  'GET /api/sessions',
  'GET /api/sessions/{id}/messages',
  'POST /api/sessions/{id}/messages',
  'POST /api/sessions/{id}/abort',
  'GET /api/sessions/{id}/state',
  'DELETE /api/sessions/{id}',
] as const;

export type HttpRoute = (typeof HTTP_ROUTES)[number];
