/* tabs.js - one conversation, several tabs: a browser that duplicates a tab copies its storage, and both would hold the
 * same conversation.
 *
 * Flow:  the tab that is opened asks whether another one has what it found in its storage → that one lets go of the
 *        connection first, then hands over the newest state, so that no message is taken by a tab that nobody looks at.
 * Fails: nobody answers (the usual reload): what was stored holds. */

/** How long another tab may take to answer. */
const ANSWER_MS = 250;

/** @typedef {{ client: import('../passerby.js').Saved, page: any }} Conversation */

const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('passerby') : null;

/**
 * @param {Conversation | null} stored
 * @returns {Promise<Conversation | null>} the newest state of that conversation
 */
export function newest(stored) {
  if (!channel || !stored?.page.id || !(stored.client.chat || stored.client.wanted)) {
    return Promise.resolve(stored);
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(stored), ANSWER_MS);
    channel.onmessage = ({ data }) => {
      if (data?.answer === stored.page.id) {
        clearTimeout(timer);
        resolve(data.conversation);
      }
    };
    channel.postMessage({ ask: stored.page.id });
  });
}

/**
 * Hands over when another tab asks.
 * @param {(id: string) => Conversation | null} handOver lets go of the conversation, and gives it
 */
export function answerOtherTabs(handOver) {
  if (channel) {
    channel.onmessage = ({ data }) => {
      const conversation = typeof data?.ask === 'string' ? handOver(data.ask) : null;
      if (conversation) {
        channel.postMessage({ answer: data.ask, conversation });
      }
    };
  }
}
