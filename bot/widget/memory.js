// What a browser remembers of a conversation: nothing before the first message.

const KEPT = 60;

/** @param {boolean} onDevice  Kept after the tab is closed; else it ends with the tab. */
export function memory(name, onDevice) {
  const place = () => (onDevice ? localStorage : sessionStorage); // getting it may throw
  return {
    load() {
      try {
        const kept = JSON.parse(place().getItem(name));
        return Array.isArray(kept?.entries) && kept.entries.length ? kept : null;
      } catch {
        return null; // blocked, or not ours
      }
    },
    save(kept) {
      try {
        place().setItem(name, JSON.stringify({ ...kept, entries: kept.entries.slice(-KEPT) }));
      } catch {
        /* blocked or full: the conversation goes on without */
      }
    },
    forget() {
      try {
        place().removeItem(name);
      } catch {
        /* blocked: there is nothing to forget */
      }
    },
  };
}
