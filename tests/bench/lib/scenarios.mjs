// scenarios.mjs - what the contenders have to do. `load`: options of the load; `of`: who does it.

const TALK = ['--do', 'talk', '--warm', '1', '--seconds', '2'];
const EVERYBODY = ['floor', 'passerby', 'ws'];
const ACROSS = ['floor', 'passerby', 'passerby-redis', 'socketio'];

export const scenarios = [
  { name: 'talk', title: '1,000 people, all talking', load: ['--people', 1000, ...TALK], of: EVERYBODY },
  { name: 'talk-plain', title: '1,000 people, all talking, without acks', load: ['--people', 1000, '--plain', ...TALK], of: EVERYBODY },
  { name: 'talk-1k', title: '1,000 people, all talking, 1 KB each time', load: ['--people', 1000, '--body', 1000, ...TALK], of: EVERYBODY },
  { name: 'few', title: '10,000 people, 200 pairs talking', load: ['--people', 10000, '--talkers', 400, ...TALK], of: EVERYBODY },
  { name: 'few-of-1000', title: '1,000 people, 200 pairs talking', load: ['--people', 1000, '--talkers', 400, ...TALK], of: ['floor', 'passerby'] },
  { name: 'all', title: '10,000 people, all talking', load: ['--people', 10000, ...TALK], of: EVERYBODY },
  { name: 'all-plain', title: '10,000 people, all talking, without acks', load: ['--people', 10000, '--plain', ...TALK], of: EVERYBODY },
  { name: 'across', title: '1,000 people, all talking, each pair on two nodes', load: ['--people', 1000, ...TALK], of: ACROSS },
  { name: 'rate', title: '10,000 people, 10,000 messages a second',
    load: ['--people', 10000, '--do', 'rate', '--rate', 10000, '--warm', 2, '--seconds', 5], of: [...EVERYBODY, 'passerby-redis', 'socketio'] },
  { name: 'idle', title: '19,000 people connect, and are silent', load: ['--people', 19000, '--do', 'idle'], of: EVERYBODY },
  { name: 'match', title: '1,000 people search again and again',
    load: ['--people', 1000, '--do', 'match', '--warm', 1, '--seconds', 3], of: [...EVERYBODY, 'passerby-redis'] },
  { name: 'match-rate', title: '2,000 people, 1,000 matches a second, over three nodes',
    load: ['--people', 2000, '--do', 'match', '--rate', 1000, '--warm', 2, '--seconds', 5], of: ['passerby-3'] },
];

/** Those whose system calls are counted: so many messages, after which it stands still. */
export const counted = [
  { name: 'calls', title: 'system calls for each frame, 1,000 people, all talking',
    load: ['--people', 1000, '--plain', '--do', 'talk', '--warm', 0, '--messages', 30000], of: EVERYBODY },
  { name: 'calls-acks', title: 'system calls for each message with its ack, the same',
    load: ['--people', 1000, '--do', 'talk', '--warm', 0, '--messages', 30000], of: EVERYBODY },
  { name: 'calls-rate', title: 'system calls for each frame, 2,000 messages a second',
    load: ['--people', 1000, '--plain', '--do', 'rate', '--rate', 2000, '--warm', 0, '--messages', 10000], of: EVERYBODY },
];
