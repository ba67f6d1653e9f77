import { isDeepStrictEqual } from 'node:util';
import { createResolver, isMap, type Resolver } from '../../local/template/resolve.ts';
import { ACCOUNT, arn, PARTITION, REGION } from '../../local/world.ts';
import type { Reply } from './reply.ts';
import { type StackTemplate, toolkitTemplate } from './toolkit.ts';
import { toXml, type XmlValue } from './xml.ts';

interface FakeStack {
  name: string;
  status: string;
  /** As it arrived. */
  templateText: string;
  template: StackTemplate;
  parameters: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
}

/** States of a stack that can be updated, of those that are here. */
const UPDATABLE = new Set(['CREATE_COMPLETE', 'UPDATE_COMPLETE']);

interface ChangeSet {
  id: string;
  name: string;
  /** What the stack would be. */
  asked: Asked;
  changesNothing: boolean;
}

type Asked = Omit<FakeStack, 'status'>;

/** What the fake needs of its surroundings. */
export interface Surroundings {
  /** The text behind a template's URL. */
  download(url: string): string;
  /** A stack is there now. */
  onStack(stack: FakeStack, resolver: Resolver): void;
}

export interface Stacks {
  readonly byName: ReadonlyMap<string, FakeStack>;
  answer(action: string, form: URLSearchParams): Reply;
}

/**
 * CloudFormation: as much of it as the CDK CLI asks. It believes every template, except that alarms on expressions of several
 * metrics fail, as on MiniStack 1.4.21. What it refuses of change sets and updates, it refuses as CloudFormation does.
 */
export function createStacks({ download, onStack }: Surroundings): Stacks {
  const byName = new Map<string, FakeStack>();
  /** By id. */
  const changeSets = new Map<string, ChangeSet>();
  /** Known by their id alone. */
  const deleted = new Map<string, FakeStack>();

  const stackId = (name: string) => arn('cloudformation', `stack/${name}/1`);
  const nameOf = (nameOrId: string) => /stack\/([^/]+)\//.exec(nameOrId)?.[1] ?? nameOrId;

  function describe(stack: FakeStack): XmlValue {
    const resolver = resolverOf(stack);
    const outputs = Object.entries(stack.template.Outputs ?? {});
    return {
      StackName: stack.name,
      StackId: stackId(stack.name),
      StackStatus: stack.status,
      CreationTime: '2026-01-01T00:00:00Z',
      EnableTerminationProtection: false,
      Parameters: pairs(stack.parameters, 'ParameterKey', 'ParameterValue'),
      Tags: pairs(stack.tags, 'Key', 'Value'),
      Outputs: outputs.map(([OutputKey, { Value }]) => ({
        OutputKey,
        OutputValue: String(resolver.resolve(Value)),
      })),
    };
  }

  function read(form: URLSearchParams): Asked {
    const name = nameOf(form.get('StackName') ?? '');
    const url = form.get('TemplateURL');
    const templateText = form.get('TemplateBody') ?? (url ? download(url) : '');
    return {
      name,
      templateText,
      template: templateText.startsWith('{') ? JSON.parse(templateText) : toolkitTemplate(templateText),
      parameters: { ...previousParameters(form, byName.get(name)), ...parametersOf(form) },
      tags: members(form, 'Tags', 'Key', 'Value'),
    };
  }

  /** Creates the stack, or updates it. */
  function make(asked: Asked): void {
    const done = byName.has(asked.name) ? 'UPDATE_COMPLETE' : 'CREATE_COMPLETE';
    const fails = Object.values(asked.template.Resources).some(
      ({ Type, Properties }) => Type === 'AWS::CloudWatch::Alarm' && Properties && 'Metrics' in Properties,
    );
    const stack: FakeStack = { ...asked, status: fails ? 'ROLLBACK_COMPLETE' : done };
    byName.set(stack.name, stack);
    if (!fails) onStack(stack, resolverOf(stack));
  }

  function changesNothing(asked: Asked): boolean {
    const { status: _, ...is } = byName.get(asked.name) ?? { status: '' };
    return isDeepStrictEqual(is, asked);
  }

  const changeSetOf = (form: URLSearchParams): ChangeSet | undefined => {
    const nameOrId = form.get('ChangeSetName');
    const stack = nameOf(form.get('StackName') ?? '');
    return [...changeSets.values()].find(
      ({ id, name, asked }) => id === nameOrId || (name === nameOrId && asked.name === stack),
    );
  };
  const noChangeSet = (form: URLSearchParams) =>
    refused(`ChangeSet [${form.get('ChangeSetName')}] does not exist`, 'ChangeSetNotFound');

  const actions: Readonly<Record<string, (form: URLSearchParams) => XmlValue | Reply>> = {
    DescribeStacks(form) {
      const asked = form.get('StackName') ?? '';
      const stack = byName.get(nameOf(asked)) ?? deleted.get(asked);
      return stack ? { Stacks: [describe(stack)] } : refused(`Stack with id ${asked} does not exist`);
    },
    GetTemplate(form) {
      const stack = byName.get(nameOf(form.get('StackName') ?? ''));
      return stack ? { TemplateBody: stack.templateText } : refused('Stack does not exist');
    },
    CreateChangeSet(form) {
      const asked = read(form);
      const name = form.get('ChangeSetName') ?? '';
      const id = arn('cloudformation', `changeSet/${name}/1`);
      changeSets.set(id, { id, name, asked, changesNothing: changesNothing(asked) });
      return { Id: id, StackId: stackId(asked.name) };
    },
    CreateStack(form) {
      const asked = read(form);
      if (byName.has(asked.name))
        return refused(`Stack [${asked.name}] already exists`, 'AlreadyExistsException');
      make(asked);
      return { StackId: stackId(asked.name) };
    },
    UpdateStack(form) {
      const asked = read(form);
      const stack = byName.get(asked.name);
      if (!stack) return refused(`Stack [${asked.name}] does not exist`);
      if (!UPDATABLE.has(stack.status))
        return refused(`Stack:${stackId(asked.name)} is in ${stack.status} state and can not be updated.`);
      if (changesNothing(asked)) return refused('No updates are to be performed.');
      make(asked);
      return { StackId: stackId(asked.name) };
    },
    DescribeChangeSet(form) {
      const set = changeSetOf(form);
      if (!set) return noChangeSet(form);
      const changes = Object.entries(set.asked.template.Resources).map(([LogicalResourceId, { Type }]) => ({
        Type: 'Resource',
        ResourceChange: { Action: 'Add', LogicalResourceId, ResourceType: Type },
      }));
      return {
        ChangeSetId: set.id,
        ChangeSetName: set.name,
        StackId: stackId(set.asked.name),
        StackName: set.asked.name,
        ...(set.changesNothing
          ? {
              Status: 'FAILED',
              StatusReason:
                "The submitted information didn't contain changes. Submit different information to create a change set.",
              ExecutionStatus: 'UNAVAILABLE',
            }
          : { Status: 'CREATE_COMPLETE', ExecutionStatus: 'AVAILABLE', Changes: changes }),
      };
    },
    ExecuteChangeSet(form) {
      const set = changeSetOf(form);
      if (!set) return noChangeSet(form);
      if (set.changesNothing)
        return refused(`ChangeSet [${set.id}] cannot be executed in its current status of [FAILED]`);
      changeSets.delete(set.id);
      make(set.asked);
      return {};
    },
    DeleteChangeSet(form) {
      // Without a complaint if there is none.
      const set = changeSetOf(form);
      if (set) changeSets.delete(set.id);
      return {};
    },
    UpdateTerminationProtection: (form) => ({ StackId: stackId(form.get('StackName') ?? '') }),
    DescribeStackEvents(form) {
      const name = nameOf(form.get('StackName') ?? '');
      const stack = byName.get(name);
      if (!stack) return refused(`Stack [${name}] does not exist`);
      return {
        StackEvents: [
          {
            EventId: `${name}-${stack.status}`,
            StackName: name,
            StackId: stackId(name),
            LogicalResourceId: name,
            PhysicalResourceId: stackId(name),
            ResourceType: 'AWS::CloudFormation::Stack',
            ResourceStatus: stack.status,
            Timestamp: new Date().toISOString(),
          },
        ],
      };
    },
    DeleteStack(form) {
      // MiniStack 1.4.21 knows a stack by its name alone, and answers the same if it knows none.
      const name = form.get('StackName') ?? '';
      const stack = byName.get(name);
      if (stack) deleted.set(stackId(name), { ...stack, status: 'DELETE_COMPLETE' });
      byName.delete(name);
      return {};
    },
  };

  return {
    byName,
    answer(action, form) {
      const act = actions[action];
      if (!act) return refused(`the fake CloudFormation does not know ${action}`);
      const result = act(form);
      return isReply(result) ? result : query(action, result);
    },
  };
}

/** A query protocol's answer. */
export function query(action: string, result: XmlValue): Reply {
  return { body: `<${action}Response>${toXml({ [`${action}Result`]: result })}</${action}Response>` };
}

export function refused(message: string, code = 'ValidationError'): Reply {
  return {
    status: 400,
    body: `<ErrorResponse>${toXml({ Error: { Type: 'Sender', Code: code, Message: message } })}</ErrorResponse>`,
  };
}

const isReply = (value: XmlValue | Reply): value is Reply =>
  typeof value === 'object' && value !== null && 'status' in value && 'body' in value;

/** References: a resource is called what its template calls it, or after stack and logical id. */
function resolverOf(stack: Omit<FakeStack, 'status'>): Resolver {
  const { template, parameters, name } = stack;
  const given = Object.entries(template.Parameters ?? {}).map(([id, parameter]) => [
    id,
    { ...parameter, ...(parameters[id] !== undefined && { Default: parameters[id] }) },
  ]);
  const resolver = createResolver(
    { ...template, Parameters: Object.fromEntries(given) },
    {
      pseudo: {
        'AWS::Region': REGION,
        'AWS::AccountId': ACCOUNT,
        'AWS::Partition': PARTITION,
        'AWS::StackName': name,
        'AWS::URLSuffix': 'amazonaws.com',
      },
      ref(id) {
        const properties = resolver.resolve(template.Resources[id]?.Properties ?? {});
        const named = isMap(properties) ? (properties.BucketName ?? properties.RepositoryName) : undefined;
        return typeof named === 'string' ? named : `${name}-${id}`;
      },
      attribute: (id, attribute) => `${name}-${id}.${attribute}`,
    },
  );
  return resolver;
}

const pairs = (values: Readonly<Record<string, string>>, key: string, value: string): XmlValue[] =>
  Object.entries(values).map(([name, text]) => ({ [key]: name, [value]: text }));

const parametersOf = (form: URLSearchParams): Record<string, string> =>
  members(form, 'Parameters', 'ParameterKey', 'ParameterValue');

/** Values of parameters that are sent with `UsePreviousValue` in place of a value. */
function previousParameters(form: URLSearchParams, before: FakeStack | undefined): Record<string, string> {
  const kept = Object.keys(members(form, 'Parameters', 'ParameterKey', 'UsePreviousValue'));
  return Object.fromEntries(
    kept.flatMap((key) => {
      const value = before?.parameters[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** `Name.member.1.Key=…&Name.member.1.Value=…` */
function members(form: URLSearchParams, name: string, key: string, value: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (let n = 1; form.has(`${name}.member.${n}.${key}`); n++) {
    const given = form.get(`${name}.member.${n}.${value}`);
    if (given !== null) found[form.get(`${name}.member.${n}.${key}`) ?? ''] = given;
  }
  return found;
}
