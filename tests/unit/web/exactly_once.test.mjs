/* exactly_once.test.mjs - two clients through a service that breaks: every message is shown exactly once and in order.
 *
 * Each seed is one run of random talk and random faults; a failing one is named and replays exactly:
 *   SEED=17 node --test tests/unit/web/exactly_once.test.mjs */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Passerby } from '../../../src/web/passerby.js';
import { FakeClock, seeded } from './support/clock.mjs';
import { FaultyNode } from './support/node.mjs';

const RUNS = 400;
const STEPS = 150;

/** A person: a client, what they said, what they were shown; a reload replaces the client by one made from what it
  * stored. */
class Person {
  said = [];
  shown = [];
  delivered = 0;
  reloads = 0;

  constructor(node, clock, random) {
    Object.assign(this, { node, clock, random });
    this.open(null);
    this.client.find();
  }

  open(saved) {
    const client = new Passerby({
      url: 'ws://x',
      WebSocket: this.node.WebSocket,
      clock: this.clock,
      random: this.random,
      saved,
    });
    client.on('message', ({ body }) => this.shown.push(body));
    client.on('delivered', ({ seq }) => (this.delivered = Math.max(this.delivered, seq)));
    client.on('change', () => (this.stored = JSON.stringify(client.export())));
    client.on('ended', ({ reason }) => assert.fail(`ended: ${reason}`));
    client.on('closed', ({ code }) => assert.fail(`closed: ${code}`));
    this.client = client;
    this.stored = JSON.stringify(client.export());
  }

  say(name) {
    if (this.client.state === 'talking') {
      const body = `${name}${this.said.length + 1}`;
      this.said.push(body);
      assert.equal(this.client.say(body), this.said.length);
    }
  }

  reload() {
    this.reloads += 1;
    this.client.close();
    this.open(JSON.parse(this.stored));
    this.client.connect();
  }
}

function run(seed) {
  const random = seeded(seed);
  const clock = new FakeClock();
  const node = new FaultyNode(clock, random, {
    loss: random() * 0.2,
    doubling: random() * 0.2,
    window: 1 + Math.floor(random() * 8),
  });
  const people = [new Person(node, clock, random), new Person(node, clock, random)];
  while (people.some(({ client }) => client.state !== 'talking')) {
    assert.ok(clock.step(), 'they never meet');
  }
  const pick = (list) => list[Math.floor(random() * list.length)];
  const deeds = [
    () => node.connections.size > 0 && node.cut(pick([...node.connections]), pick([1000, 1001, 1006, 1012, 4001])),
    () =>
      node.connections.size > 0 &&
      node.tell(pick([...node.connections]), { t: 'reconnect', after_ms: Math.floor(random() * 500) }),
    () => node.breakBus(random() * 3000),
    () => node.forget(),
    () => pick(people).reload(),
    () => pick(people).client.wake(0),
    () => pick(people).client.typing(random() < 0.5),
  ];
  for (let step = 0; step < STEPS; step += 1) {
    if (random() < 0.7) {
      const side = Math.floor(random() * 2);
      people[side].say('ab'[side]);
    } else {
      pick(deeds)();
    }
    clock.advance(random() * 800);
  }
  // The faults stop; within the time that the rules allow, everything arrives.
  node.faults.loss = 0;
  clock.advance(300_000);
  people.forEach((person, side) => {
    const stranger = people[1 - side];
    assert.deepEqual(stranger.shown, person.said, `said by ${'ab'[side]}`);
    assert.equal(person.delivered, person.said.length, 'all is known to be delivered');
  });
  return {
    ...node.struck,
    reloads: people[0].reloads + people[1].reloads,
    said: people[0].said.length + people[1].said.length,
  };
}

test('every message is shown exactly once and in order, whatever breaks', () => {
  const totals = {};
  const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: RUNS }, (_, i) => i + 1);
  for (const seed of seeds) {
    let counts;
    try {
      counts = run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    }
    for (const [name, count] of Object.entries(counts)) {
      totals[name] = (totals[name] ?? 0) + count;
    }
  }
  if (!process.env.SEED) {
    for (const [name, count] of Object.entries(totals)) {
      assert.ok(count > RUNS, `the fault "${name}" hardly ever struck: ${count}`);
    }
  }
});
