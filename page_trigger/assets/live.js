"use strict";
// Shows times in the reader's zone, and watches open runs until they end.

const EVERY = 2000; // milliseconds

function showTimes() {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
  const zone = document.querySelector("[data-zone]");
  if (zone) zone.textContent = format.resolvedOptions().timeZone;
}

function set(place, name, text) {
  const field = place.querySelector(`[data-field="${name}"]`);
  if (field && field.textContent !== text) field.textContent = text;
}

function show(place, run, before) {
  const progress = run.progress;
  const number = new Intl.NumberFormat("en-US");
  const share = progress.share === null ? "counting" : `${Math.round(progress.share * 1000) / 10} %`;
  set(place, "progress", `${share}, ${run.phase}`);
  const bar = place.querySelector("progress");
  if (bar && progress.share !== null) bar.value = progress.share;
  const until = progress.not_before ? `, until ${new Date(progress.not_before).toLocaleTimeString()}` : "";
  set(place, "wait", progress.waiting_for ? `Waiting: ${progress.waiting_for}${until}.` : "");
  if (before) {
    const rate = ((run.counts.sent - before.sent) * 1000) / (Date.now() - before.at);
    set(place, "rate", rate > 0 ? `${number.format(Math.round(rate))} profiles a second.` : "");
  }
  if (!place.hasAttribute("data-watched")) return;
  const badge = document.querySelector("[data-status] .badge");
  if (badge && run.status === "running") badge.textContent = "Running";
  for (const cell of document.querySelectorAll("[data-count]")) {
    cell.textContent = number.format(run.counts[cell.dataset.count] || 0);
  }
  const left = document.querySelector('[data-field="left"]');
  if (left) left.textContent = progress.seconds_left === null ? "not yet" : `in about ${number.format(progress.seconds_left)} s`;
}

async function watch(place) {
  let before = null;
  for (;;) {
    await new Promise((done) => setTimeout(done, EVERY));
    if (document.hidden) continue;
    let answer;
    try {
      answer = await fetch(`/api/runs/${place.dataset.run}`, { redirect: "manual", cache: "no-store" });
    } catch {
      set(place, "progress", "The app can't be reached. Trying again.");
      continue;
    }
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      set(place, "progress", "Sign in again: reload this page.");
      return;
    }
    if (answer.status === 200) {
      end(place);
      return;
    }
    if (answer.status === 403 || answer.status === 404) {
      set(place, "progress", "You can no longer see this run.");
      return;
    }
    const run = answer.status === 202 ? await answer.json().catch(() => null) : null;
    if (run) {
      show(place, run, before);
      before = { sent: run.counts.sent, at: Date.now() };
    } else {
      set(place, "progress", "The app does not respond. Trying again.");
    }
  }
}

// A run has ended: reloads its page to show the result, but not a list in which the reader is typing.
function end(place) {
  if (!place.hasAttribute("data-watched") && document.activeElement !== document.body) {
    set(place, "progress", "ended: reload the page");
    return;
  }
  const here = new URL(location.href);
  here.searchParams.delete("started");
  location.replace(here);
}

// Without a queue, the timer would begin within a minute; a person who has just pressed Run does not wait for it.
function advance() {
  const token = document.querySelector('input[name="token"]');
  if (!token) return;
  const body = new URLSearchParams({ token: token.value, action: "advance" });
  fetch(location.pathname, { method: "POST", body, redirect: "manual" }).catch(() => {});
}

showTimes();
for (const place of document.querySelectorAll("[data-run]")) watch(place);
if (document.querySelector("[data-advance]")) advance();
