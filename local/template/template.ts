/** The parts of a CloudFormation template that the local cloud reads. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, Value>>;
  readonly Condition?: string;
  readonly Metadata?: Readonly<Record<string, Value>>;
}

export interface Template {
  /** What the construct says of itself to the local cloud (infra/local-props.ts). */
  readonly Metadata?: Readonly<Record<string, Value>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default?: Value }>>;
  readonly Conditions?: Readonly<Record<string, Value>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Value>>>>>>;
}
