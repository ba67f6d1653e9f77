import type { Invoke } from '../types.ts';

/** An API Gateway HTTP API as its template describes it. */
export interface HttpGatewayApi {
  apiId: string;
  stage: string;
  region: string;
  accountId: string;
  routes: readonly HttpRouteTarget[];
  cors?: Cors;
  /** The throttle of the stage: whether the next request is accepted. */
  accepts?: () => boolean;
}

export interface HttpRouteTarget {
  /** `GET /api/sessions/{id}`. */
  key: string;
  method: string;
  /** Parts of the path. `{id}` is any one. */
  parts: readonly string[];
  timeoutMs: number;
  /** @param source the method and path of a request, as the function's policy sees them */
  invoke(source: string): Invoke;
  authorizer?: Invoke;
}

export interface Cors {
  origins: readonly string[];
  methods: readonly string[];
  headers: readonly string[];
  exposed: readonly string[];
  maxAgeSeconds: number | undefined;
}
