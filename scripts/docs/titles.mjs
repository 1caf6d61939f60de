// A typedoc plugin: documents are called what their first headings say, and modules what one imports.

import { basename, relative } from 'node:path';

import { Converter, ReflectionKind } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const heading = /^\s*# (.+)\n/.exec(document.content[0].text);
    if (heading === null) app.logger.warn(`${document.name}: a document begins with a heading, "# …"`);
    else document.name = heading[1];
    const path = relative(process.cwd(), document.project.files.getReflectionPath(document));
    document.frontmatter.group = path.startsWith('docs/') ? 'Guides' : 'Project';
  });

  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module))
      module.name = module.name === 'index' ? project.name : `${project.name}/${basename(module.name)}`;
    // The first page has the project's name as its title already.
    const [first] = project.readme ?? [];
    if (first !== undefined) first.text = first.text.replace(/^\s*# .+\n/, '');
  });
}
