// What the visitor does goes to the server; what comes of it is seen in the next picture.

// act does a verb and says whether that worked. Why it did not is shown.
export async function act(verb, body = {}) {
  return post(`/act/${verb}`, JSON.stringify(body), "application/json");
}

const patience = 15_000; // milliseconds

// post sends a body and says whether it was taken.
export async function post(url, body, type) {
  let why;
  try {
    const answer = await fetch(url, { method: "POST", body, headers: { "Content-Type": type }, signal: AbortSignal.timeout(patience) });
    const text = await answer.text();
    if (answer.ok) return true;
    why = JSON.parse(text).error;
  } catch (err) {
    why = err.name === "TimeoutError"
      ? "The demo takes too long to answer. Close other windows that show it, and try again."
      : "The demo does not answer. Is it still running?";
  }
  trouble(why);
  return false;
}

let quiet;

// trouble shows a sentence for a while.
export function trouble(text) {
  const place = document.getElementById("trouble");
  place.textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => (place.textContent = ""), 8000);
}
