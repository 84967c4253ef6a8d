// Who signs out leaves no sheet of people behind on this device. What they typed and wasn't sent yet stays theirs.
document.addEventListener("submit", (event) => {
  if (!event.target.action?.endsWith("/sign-out/")) return;
  try {
    const asked = indexedDB.open("forms", 1);
    asked.onupgradeneeded = () => asked.transaction.abort();  // nothing was kept here
    asked.onsuccess = () => {
      asked.result.transaction("sheets", "readwrite").objectStore("sheets").clear();
      asked.result.close();
    };
    asked.onerror = (failed) => failed.preventDefault();
    globalThis.caches?.delete("forms-pages-1");
  } catch { /* no store in this browser */ }
});
