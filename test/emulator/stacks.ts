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

interface ChangeSet extends Omit<FakeStack, 'status'> {
  id: string;
}

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

/** CloudFormation that believes every template: as much of it as the CDK CLI asks. */
export function createStacks({ download, onStack }: Surroundings): Stacks {
  const byName = new Map<string, FakeStack>();
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

  function read(form: URLSearchParams): Omit<FakeStack, 'status'> {
    const url = form.get('TemplateURL');
    const templateText = form.get('TemplateBody') ?? (url ? download(url) : '');
    return {
      name: nameOf(form.get('StackName') ?? ''),
      templateText,
      template: templateText.startsWith('{') ? JSON.parse(templateText) : toolkitTemplate(templateText),
      parameters: members(form, 'Parameters', 'ParameterKey', 'ParameterValue'),
      tags: members(form, 'Tags', 'Key', 'Value'),
    };
  }

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
      const id = arn('cloudformation', `changeSet/${form.get('ChangeSetName')}/1`);
      const asked = read(form);
      changeSets.set(id, { id, ...asked });
      return { Id: id, StackId: stackId(asked.name) };
    },
    CreateStack(form) {
      const stack: FakeStack = { ...read(form), status: 'CREATE_COMPLETE' };
      byName.set(stack.name, stack);
      onStack(stack, resolverOf(stack));
      return { StackId: stackId(stack.name) };
    },
    DescribeChangeSet(form) {
      const set = changeSets.get(form.get('ChangeSetName') ?? '') ?? [...changeSets.values()].at(-1);
      if (!set) return refused('ChangeSet does not exist');
      const changes = Object.entries(set.template.Resources).map(([LogicalResourceId, { Type }]) => ({
        Type: 'Resource',
        ResourceChange: { Action: 'Add', LogicalResourceId, ResourceType: Type },
      }));
      return {
        ChangeSetId: set.id,
        ChangeSetName: set.id,
        StackId: stackId(set.name),
        StackName: set.name,
        Status: 'CREATE_COMPLETE',
        ExecutionStatus: 'AVAILABLE',
        Changes: changes,
      };
    },
    ExecuteChangeSet(form) {
      const set = changeSets.get(form.get('ChangeSetName') ?? '') ?? [...changeSets.values()].at(-1);
      if (!set) return refused('ChangeSet does not exist');
      const { id: _, ...made } = set;
      const stack: FakeStack = { ...made, status: 'CREATE_COMPLETE' };
      byName.set(stack.name, stack);
      onStack(stack, resolverOf(stack));
      return {};
    },
    DeleteChangeSet: () => ({}),
    UpdateTerminationProtection: (form) => ({ StackId: stackId(form.get('StackName') ?? '') }),
    DescribeStackEvents(form) {
      const name = nameOf(form.get('StackName') ?? '');
      return {
        StackEvents: [
          {
            EventId: `${name}-done`,
            StackName: name,
            StackId: stackId(name),
            LogicalResourceId: name,
            PhysicalResourceId: stackId(name),
            ResourceType: 'AWS::CloudFormation::Stack',
            ResourceStatus: 'CREATE_COMPLETE',
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

export function refused(message: string): Reply {
  return {
    status: 400,
    body: `<ErrorResponse>${toXml({ Error: { Type: 'Sender', Code: 'ValidationError', Message: message } })}</ErrorResponse>`,
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

/** `Name.member.1.Key=…&Name.member.1.Value=…` */
function members(form: URLSearchParams, name: string, key: string, value: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (let n = 1; form.has(`${name}.member.${n}.${key}`); n++) {
    found[form.get(`${name}.member.${n}.${key}`) ?? ''] = form.get(`${name}.member.${n}.${value}`) ?? '';
  }
  return found;
}
