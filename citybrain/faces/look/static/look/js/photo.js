// Photos are made smaller before they are sent (2048 px, JPEG): less to wait for on a phone.
// The EXIF block travels along: the server keeps its place and time apart and strips everything else.
import { make, mount } from "./mount.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const LONGEST = 2048;
const QUALITY = 0.85;
const SMALL = 1_500_000;  // bytes: such a file is sent as it is, with its place and time

// Returns a smaller JPEG, or the file itself when it is small, no photo, or can't be read here.
export async function downscale(file) {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size <= SMALL) return file;
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const canvas = make("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
  if (!blob || blob.size >= file.size) return file;
  const named = await withExif(file, blob);
  return new File([named], file.name.replace(/\.\w+$/, ".jpg"), { type: "image/jpeg", lastModified: file.lastModified });
}

// Puts the original's EXIF block into the smaller JPEG: the server keeps place and time apart and strips the rest.
async function withExif(file, blob) {
  const block = file.type === "image/jpeg" ? await exifBlock(file) : null;
  if (!block) return blob;
  return new Blob([blob.slice(0, 2), block, blob.slice(2)], { type: "image/jpeg" });
}

async function exifBlock(file) {
  const head = new DataView(await file.slice(0, 262_144).arrayBuffer());
  if (head.byteLength < 4 || head.getUint16(0) !== 0xffd8) return null;
  let at = 2;
  while (at + 10 < head.byteLength) {
    const marker = head.getUint16(at);
    if ((marker & 0xff00) !== 0xff00 || marker === 0xffda) return null;
    const size = head.getUint16(at + 2) + 2;
    if (marker === 0xffe1 && head.getUint32(at + 4) === 0x45786966) {
      if (at + size > head.byteLength) return null;
      const block = new Uint8Array(head.buffer.slice(at, at + size));
      upright(block);
      return block;
    }
    at += size;
  }
  return null;
}

// The canvas has turned the picture already: the orientation tag must say so.
function upright(block) {
  const view = new DataView(block.buffer, 10);
  try {
    const little = view.getUint16(0) === 0x4949;
    const first = view.getUint32(4, little);
    const many = view.getUint16(first, little);
    for (let i = 0; i < many; i += 1) {
      const entry = first + 2 + i * 12;
      if (view.getUint16(entry, little) === 0x0112) view.setUint16(entry + 8, 1, little);
    }
  } catch { /* a broken block: the server judges it */ }
}

mount("[data-drop]", (drop) => {
  const input = drop.querySelector('input[type="file"]');
  const area = drop.querySelector(".cb-drop");
  const shelf = drop.querySelector("[data-drop-files]");
  const most = Number(drop.dataset.most) || 1;
  const photos = drop.hasAttribute("data-photo-input");
  let files = [];

  const write = () => {
    const held = new DataTransfer();
    files.forEach((file) => held.items.add(file));
    input.files = held.files;
    shelf.replaceChildren(...files.map(draw));
    drop.dispatchEvent(new CustomEvent("look:files", { bubbles: true, detail: { files } }));
  };
  const draw = (file) => {
    const remove = make("button", { type: "button", "aria-label": `${words.remove} ${file.name}` }, "×");
    remove.addEventListener("click", () => { files = files.filter((one) => one !== file); write(); });
    if (!photos) return make("span", { class: "cb-tag cb-drop-file" }, file.name, remove);
    const image = make("img", { alt: file.name });
    image.src = URL.createObjectURL(file);
    image.onload = () => URL.revokeObjectURL(image.src);
    return make("span", { class: "cb-drop-file" }, image, remove);
  };
  const take = async (list) => {
    const fresh = await Promise.all([...list].map((file) => (photos ? downscale(file) : file)));
    files = input.multiple ? [...files, ...fresh] : fresh.slice(0, 1);
    if (files.length > most) {
      files = files.slice(0, most);
      toast(words.tooMany(most));
    }
    write();
  };

  input.addEventListener("change", () => take(input.files));
  input.form?.addEventListener("reset", () => { files = []; shelf.replaceChildren(); });
  for (const name of ["dragenter", "dragover"]) area.addEventListener(name, (event) => { event.preventDefault(); area.toggleAttribute("data-over", true); });
  for (const name of ["dragleave", "drop"]) area.addEventListener(name, () => area.toggleAttribute("data-over", false));
  area.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files); });
  if (input.files.length) take(input.files);  // chosen before this script was there
});
