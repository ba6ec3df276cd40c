"use strict";
// Keeps the page current without a reload: only what differs is changed, so that the focus, what is
// selected, what is typed and where one has scrolled to stay.
const PAUSE = 2000; // milliseconds
const main = document.querySelector("main");
const said = document.getElementById("said");
let asked = 0;
let shown = 0;
let silent = false;

function say(text) {
  if (said.textContent !== text) said.textContent = text;
}

async function refresh() {
  const number = ++asked;
  try {
    const answer = await fetch("/shadow?main", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (number < shown) return; // an answer that was overtaken
    shown = number;
    sync(main, page.querySelector("main"));
    if (silent) say("The emulator answers again.");
    silent = false;
  } catch (error) {
    silent = true;
    say("The emulator does not answer; the page shows what it last said.");
  }
}

function sync(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType === Node.TEXT_NODE) {
    if (!isSelected(old)) old.data = fresh.data;
    return;
  }
  syncAttributes(old, fresh);
  syncChildren(old, fresh);
}

function isSelected(node) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(node, true);
}

function syncAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function syncChildren(old, fresh) {
  const named = new Map([...old.children].filter((one) => one.id).map((one) => [one.id, one]));
  const stay = new Set([...fresh.children].map((one) => one.id));
  for (const [id, one] of named) if (!stay.has(id)) one.remove();
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = wanted.id ? named.get(wanted.id) : isAlike(at, wanted) ? at : null;
    if (!found) {
      old.insertBefore(wanted, at);
      continue;
    }
    while (at && at !== found && !at.id) at = dropped(at); // moving `found` would lose the focus
    if (at !== found) old.insertBefore(found, at);
    at = found.nextSibling;
    sync(found, wanted);
  }
  while (at) at = dropped(at);
}

function isAlike(at, wanted) {
  return at && !at.id && at.nodeType === wanted.nodeType && at.nodeName === wanted.nodeName;
}

function dropped(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

async function call(text, body, done) {
  const [method, name] = text.split(" ");
  const headers = { "Content-Type": "application/json" };
  const options = method === "POST" ? { method, headers, body: JSON.stringify(body) } : { method };
  try {
    const answer = await fetch(`/shadow-api/${name}`, options);
    say(answer.ok ? done : (await answer.json()).message);
  } catch (error) {
    say("The emulator does not answer.");
  }
  await refresh();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-call]");
  if (!button || (button.dataset.confirm && !confirm(button.dataset.confirm))) return;
  call(button.dataset.call, JSON.parse(button.dataset.body), button.dataset.done);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, operation, times, about } = Object.fromEntries(new FormData(event.target));
  const fault = { kind, operation, times: times ? Number(times) : null, about: about || null };
  call("POST faults", fault, "The fault was added.");
});

setInterval(() => document.hidden || refresh(), PAUSE);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
