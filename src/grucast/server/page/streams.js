// The second tab.
export const open = () => {};
export const paint = () => {};
