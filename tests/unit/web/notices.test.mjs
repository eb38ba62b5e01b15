/* notices.test.mjs - which sentence goes with which trouble. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noticeOf } from '../../../src/web/page/notices.js';

const open = { state: 'open', failures: 0 };
const trying = { state: 'connecting', failures: 1 };
const desperate = { state: 'pausing', failures: 4 };
const chat = { here: true, typing: false, attached: true };
const well = { doing: 'idle', link: open, chat: null, online: true, reachable: true, stored: true, complaint: '' };

test('one sentence for each trouble, the one nearest to the person first', () => {
  for (const [state, notice] of [
    [{}, ''],
    [{ link: trying }, ''],
    [{ online: false }, 'notice.offline_idle'],
    [{ online: false, doing: 'talking', chat: { ...chat, here: false } }, 'notice.offline'],
    [{ link: desperate }, 'notice.blocked'],
    [{ link: desperate, reachable: false, chat }, 'notice.unreachable'],
    [{ link: trying, chat: { ...chat, attached: false } }, 'notice.lost'],
    [{ chat: { ...chat, attached: false } }, 'notice.resuming'],
    [{ chat: { ...chat, here: false }, complaint: 'talk.refused' }, 'notice.away'],
    [{ chat, complaint: 'talk.refused' }, 'talk.refused'],
    [{ stored: false }, 'notice.storage'],
    [{ stored: false, complaint: 'notice.refused' }, 'notice.refused'],
    [{ stored: false, chat }, ''],
  ]) {
    assert.equal(noticeOf({ ...well, ...state }), notice, JSON.stringify(state));
  }
});
