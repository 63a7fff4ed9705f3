// Requests to the server that served this page; its address holds the token.

const answer = async response => {
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(said.error || `${response.status} ${response.statusText}`);
  return said;
};

const address = (what, asked) => `api/${what}?${new URLSearchParams(asked)}`;

export const get = async (what, asked = {}) => answer(await fetch(address(what, asked)));

export const post = async (what, said = {}) =>
  answer(await fetch(`api/${what}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said),
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
