import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { managementGateway } from '../../aws/api-gateway/gateway.ts';
import { noMetrics } from '../../aws/cloudwatch/emf.ts';
import { dynamoStore } from '../../aws/dynamodb/store.ts';
import { epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionKey } from '../../core/ids.ts';
import { laneKey } from '../../core/store/keys.ts';
import { commit } from '../../core/store/lane/commit.ts';
import { emptyLane } from '../../core/store/lane/lane.ts';

const WARM_UP = 300;
const CALLS = 1000;

/** Processor time of this process for one call of each kind, in ms: AWS's client and our adapter, over loopback. */
export interface SdkCpu {
  commit: number;
  post: number;
}

/** Answers any call as an update of a lane of some 700 bytes is answered. In a process of its own: its time is not ours. */
const SERVER = `
  const lane = { M: {} };
  const Attributes = {
    session: { S: 'acme#ann#session' }, turn: { S: 'x'.repeat(20) }, slot: { S: 'x'.repeat(20) },
    holder: { S: 'x'.repeat(20) }, mark: { S: 'x'.repeat(24) }, attempts: { N: '0' }, inbox: lane, waiting: lane,
    ids: lane, prev: lane, notices: lane, elsewhere: lane, audience: { M: { c: { N: '1' } } }, seq: { N: '100' },
    entry: { N: '9' }, bytes: { N: '0' }, expires: { N: '1700000000' },
    tail: { L: Array.from({ length: 3 }, () => ({ S: 'x'.repeat(90) })) },
  };
  const body = JSON.stringify({ Attributes });
  const server = require('node:http').createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(request.headers['x-amz-target'] ? body : '');
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

export async function measureSdk(): Promise<SdkCpu> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    const endpoint = `http://127.0.0.1:${String(port).trim()}`;
    const config = { region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } };
    const store = dynamoStore('bench', { ...config, endpoint });
    const gateway = managementGateway(`${endpoint}/stage`, noMetrics, config);
    const session = asSessionKey('session');
    const connection = asConnectionId('connection');
    const key = laneKey(session, asLaneId('lane'));
    const lane = emptyLane(session, connection, epochSeconds(0));
    const chunk = ' the plan for a team of five';
    const update = commit({
      lease: 'x'.repeat(20),
      from: 1,
      to: 2,
      unspilled: Array.from({ length: 3 }, () => chunk.repeat(3)),
      commitId: 'x'.repeat(24),
      progress: true,
      when: [],
      change: [{ do: 'set', path: 'entry', value: lane.entry }],
    });
    const frame = JSON.stringify({
      type: 'chunk',
      seq: 1,
      turn_id: 'x'.repeat(20),
      content: chunk,
      offset: 1,
    });
    return {
      commit: await cpuOf(() => store.update(key, update)),
      post: await cpuOf(() => gateway.post(connection, frame)),
    };
  } finally {
    server.kill();
  }
}

async function cpuOf(call: () => Promise<unknown>): Promise<number> {
  for (let n = 0; n < WARM_UP; n++) await call();
  const before = process.cpuUsage();
  for (let n = 0; n < CALLS; n++) await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / CALLS;
}
