// A page that hangs ends with a sentence after 40 s, a site is made in ten; this is for several of both.
jest.setTimeout(120_000);
