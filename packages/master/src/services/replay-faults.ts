/** Why decisions could not be made again, said of all of them at once. */
export const notKept = 'What they were decided from is not kept any more. Set retention.decisionInputsDays higher to keep it longer.';
export const fromAnotherVersion = (field: string): string => `What they were decided from was kept by another version of ParaVCL, which has ${field.replaceAll(/\.\d+/g, '')} otherwise. Replay them with that version.`;
export const withoutPolicy = (policy: string): string => `They were decided under ${policy}, which this master does not have: a module of the site's own that is not in force now. They are compared as they were recorded.`;
export const moduleFailed = (error: unknown): string => `The placement module failed on them: ${error instanceof Error ? error.message : String(error)}`;
