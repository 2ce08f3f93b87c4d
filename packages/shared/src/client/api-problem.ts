import type { Problem } from '../api/problem';

/** An answer of the master that says no, with its sentence; or that none came (`status` 0). */
export class ApiProblem extends Error {
  constructor(readonly problem: Pick<Problem, 'status' | 'detail'> & Partial<Problem>) {
    super(problem.detail);
    this.name = 'ApiProblem';
  }

  get status(): number {
    return this.problem.status;
  }

  /** What is wrong with this field of the form, or null. */
  faultOf(field: string): string | null {
    const { faults, field: first, limit } = this.problem;
    const found = faults?.find((fault) => fault.field === field || fault.field.startsWith(`${field}.`));
    return found?.limit ?? (first === field ? (limit ?? this.message) : null);
  }
}
