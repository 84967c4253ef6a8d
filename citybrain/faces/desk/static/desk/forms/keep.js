// What stays on this device: edits until the server has them, and the sheet as last seen, for filling without net.
// Edits are a person's own and outlive a sign-out; sheets are dropped with it (look/js/leaving.js) and after three days.
const NAME = "forms";
const DAYS = 3;
export const owner = document.documentElement.dataset.me ?? "";

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("edits", { keyPath: "client" }).createIndex("sheet", "sheet");
      asked.result.createObjectStore("sheets", { keyPath: "id" });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function act(store, mode, does) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const change = database.transaction(store, mode);
    const asked = does(change.objectStore(store));
    change.oncomplete = () => resolve(asked?.result);
    change.onerror = () => reject(change.error);
    change.onabort = () => reject(change.error);
  });
}

const place = (sheet) => `${owner}:${sheet}`;

export const editsOf = async (sheet) => {
  const found = await act("edits", "readonly", (all) => all.index("sheet").getAll(place(sheet)));
  return found.sort((a, b) => a.at - b.at || a.order - b.order);
};
export const keepEdits = (sheet, edits) => act("edits", "readwrite", (all) => { for (const one of edits) all.put({ ...one, sheet: place(sheet) }); });
export const dropEdits = (clients) => act("edits", "readwrite", (all) => { for (const one of clients) all.delete(one); });
export const keepSheet = (sheet, data) => act("sheets", "readwrite", (all) => all.put({ id: place(sheet), at: Date.now(), data }));
export const dropSheet = (sheet) => act("sheets", "readwrite", (all) => all.delete(place(sheet)));

export async function sheetOf(sheet) {
  const kept = await act("sheets", "readonly", (all) => all.get(place(sheet)));
  if (!kept) return null;
  if (Date.now() - kept.at < DAYS * 86_400_000) return kept;
  await dropSheet(sheet);
  return null;
}
