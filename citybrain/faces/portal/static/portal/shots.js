// Photos: shown at once, made smaller, sent ahead while the next question is answered. Without a network they
// stay here and go with the report.
import { downscale } from "../look/js/photo.js";
import { csrf, icon, make } from "../look/js/mount.js";
import { say, wrong } from "./said.js";

export class Shots {
  constructor(box, { url, most, changed }) {
    this.box = box;
    this.shelf = box.querySelector("[data-thumbs]");
    this.url = url;
    this.most = most;
    this.changed = changed;
    this.all = [];
    const inputs = box.querySelectorAll('input[type="file"]');
    for (const input of inputs) input.addEventListener("change", () => this.take(input));
    for (const name of ["dragover", "drop"]) box.addEventListener(name, (event) => event.preventDefault());
    box.addEventListener("drop", (event) => this.add([...event.dataTransfer.files]));
    for (const item of this.shelf.children) this.adopt(item);
    this.paint();
    for (const input of inputs) this.take(input);  // chosen before this script was there
  }

  // The form sends what is on the shelf, not what lies in the input.
  take(input) {
    const files = [...input.files];
    input.value = "";
    if (files.length) this.add(files);
  }

  // A photo the server has already: drawn by it when the form came back.
  adopt(item) {
    const token = item.querySelector('[name="photo_token"]')?.value;
    if (!token) return;
    const shot = { token, thumb: item.querySelector("img").src, item };
    this.dress(shot);
    this.all.push(shot);
  }

  restore(kept) {
    for (const { token, thumb, place } of kept.slice(0, this.most)) {
      const shot = { token, thumb, place };
      this.draw(shot, thumb);
      shot.item.querySelector("img").addEventListener("error", () => this.remove(shot), { once: true });
      this.all.push(shot);
    }
    this.paint();
  }

  add(files) {
    wrong(this.box, "photo", "");
    for (const file of files) {
      if (!file.type.startsWith("image/")) {
        wrong(this.box, "photo", say("not_photo"));
        continue;
      }
      if (this.all.length >= this.most) {
        wrong(this.box, "photo", say("too_many"));
        break;
      }
      const shot = { file };
      this.draw(shot, URL.createObjectURL(file));
      this.all.push(shot);
      this.send(shot);
    }
    this.paint();
  }

  draw(shot, address) {
    const image = make("img", { alt: "" });
    image.src = address;
    shot.item = make("li", {}, image);
    this.shelf.append(shot.item);
    this.dress(shot);
  }

  dress(shot) {
    const remove = make("button", { type: "button", "data-remove": true, "aria-label": say("remove") }, icon("x"));
    remove.addEventListener("click", () => this.remove(shot));
    shot.item.append(remove);
  }

  remove(shot) {
    shot.request?.abort();
    shot.item.remove();
    this.all = this.all.filter((one) => one !== shot);
    this.paint();
  }

  paint() {
    this.box.toggleAttribute("data-some", this.all.length > 0);
    this.box.toggleAttribute("data-full", this.all.length >= this.most);
    this.changed?.(this.all);
  }

  state(shot, text, { share = null, retry = false } = {}) {
    shot.item.querySelector(".pt-thumb-state")?.remove();
    if (!text) return;
    const line = make(retry ? "button" : "span", { class: "pt-thumb-state", type: retry ? "button" : null }, text);
    if (share !== null) line.append(make("progress", { max: 1, value: share, "aria-label": text }));
    if (retry) line.addEventListener("click", () => this.send(shot));
    shot.item.append(line);
  }

  async send(shot) {
    this.state(shot, say("uploading"), { share: 0 });
    shot.small ??= await downscale(shot.file);
    const body = new FormData();
    body.set("photo", shot.small, shot.small.name || "photo.jpg");
    const request = new XMLHttpRequest();
    shot.request = request;
    request.open("POST", this.url);
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.timeout = 120_000;
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) shot.item.querySelector("progress")?.setAttribute("value", event.loaded / event.total);
    };
    request.onload = () => this.answered(shot, request);
    request.onerror = request.ontimeout = () => this.state(shot, navigator.onLine ? say("again") : say("later"), { retry: true });
    request.send(body);
  }

  answered(shot, request) {
    const answer = request.response ?? {};
    if (request.status === 201) {
      Object.assign(shot, { token: answer.token, thumb: answer.thumb, place: answer.place });
      this.state(shot, "");
      this.paint();
    } else if (request.status === 422) {
      this.remove(shot);  // it will never be a photo
      wrong(this.box, "photo", answer.detail ?? say("not_photo"));
    } else {
      this.state(shot, answer.detail ?? say("again"), { retry: true });
    }
  }

  // What goes with the form: names of those already sent, and the others as files.
  fill(body) {
    body.delete("photo");
    body.delete("photo_token");
    for (const shot of this.all) {
      if (shot.token) body.append("photo_token", shot.token);
      else body.append("photo", shot.small ?? shot.file, "photo.jpg");
    }
  }

  kept() {
    return this.all.filter((shot) => shot.token).map(({ token, thumb, place }) => ({ token, thumb, place }));
  }
}
