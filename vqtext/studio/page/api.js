// Requests to the server that served this page; its address holds the token.

const answer = async response => {
  const reply = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(reply.error || `${response.status} ${response.statusText}`);
  return reply;
};

const address = (route, query) => `api/${route}?${new URLSearchParams(query)}`;

export const get = async (route, query = {}) => answer(await fetch(address(route, query)));

export const post = async (route, body = {}) =>
  answer(await fetch(`api/${route}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }));

// Least and greatest values of each channel in each column: [channel][column][2], flat.
export const getSignal = async (recording, start, end, points, channels) => {
  const response = await fetch(address("signal", { recording, start, end, points }));
  if (!response.ok) await answer(response);
  const values = new Float32Array(await response.arrayBuffer());
  const [from, to, samples] = ["X-Start", "X-End", "X-Samples"].map(name => Number(response.headers.get(name)));
  return { start: from, end: to, samples, values, points: values.length / channels / 2 };
};

export const exported = kind => address("export", { kind });
