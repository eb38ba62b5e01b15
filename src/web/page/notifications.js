/* notifications.js - desktop notifications: that something has come, never what.
 *
 * Where the page has a service worker, it shows them (phones know no other way), and brings the page to the front when
 * one is clicked. */

const TAG = 'passerby';

const registration = async () => navigator.serviceWorker?.getRegistration();

/**
 * Asks the person, if they were not asked before.
 * @returns {Promise<boolean>} whether they are allowed
 */
export async function allowNotifications() {
  return 'Notification' in globalThis && (await Notification.requestPermission()) === 'granted';
}

/** Whether they were allowed, and still are. */
export const notificationsAllowed = () => 'Notification' in globalThis && Notification.permission === 'granted';

/**
 * @param {string} title
 * @param {string} body
 */
export async function notify(title, body) {
  const options = { body, tag: TAG, icon: 'icon-192.png' };
  const worker = await registration();
  if (worker?.active) {
    await worker.showNotification(title, options);
    return;
  }
  const notification = new Notification(title, options);
  notification.onclick = () => {
    window.focus();
    notification.close();
  };
  shown = notification;
}

/** @type {Notification | undefined} */
let shown;

/** The page is looked at: takes back what was shown. */
export async function clearNotifications() {
  shown?.close();
  const worker = await registration();
  for (const notification of (await worker?.getNotifications({ tag: TAG })) ?? []) {
    notification.close();
  }
}
