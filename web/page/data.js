// The factory's files, and how old they are by the web server's clock: this browser's may be wrong.

let offset = 0; // seconds that the server's clock is ahead of ours

export const now = () => Date.now() / 1000 + offset;

export async function read(file) {
  const response = await fetch(file, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  const date = Date.parse(response.headers.get("Date") ?? "");
  // A cache on the way tells the time at which it got the file, and how long ago that was.
  const held = Number(response.headers.get("Age") ?? 0);
  if (!Number.isNaN(date)) {
    const ahead = date / 1000 + held - Date.now() / 1000;
    offset = Math.abs(ahead) > 2 ? ahead : 0; // the header has whole seconds
  }
  return response.json();
}

// A file's name, for the address: names of entries hold no / and come from the configuration.
export const part = (name) => encodeURIComponent(name);
