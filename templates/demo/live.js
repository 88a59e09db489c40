// Reloads the preview when a template, a style or the settings changed; keeps where its reader was.
(async () => {
  const stamp = async () => (await fetch("/stamp")).text();
  let before = await stamp();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    try {
      const now = await stamp();
      if (now !== before) {
        before = now;
        location.reload();
      }
    } catch {
      // The preview was ended; it may begin again.
    }
  }
})();
