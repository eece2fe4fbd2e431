import { createHash } from 'node:crypto';
import { Struct, struct } from '../../src/rehearsal/thrift/struct.ts';
import { bool, i32, list, string, TYPE } from '../../src/rehearsal/thrift/values.ts';

const OK = struct(new Struct([[1, i32(0)]]));
/** A handle like those that Spark creates for sessions and statements. Clients need its identifier to be a valid UUID. */
export function handleOf(name: string): Struct {
  const uuid = createHash('md5').update(name).digest();
  uuid.writeUInt8(0x40, 6);
  uuid.writeUInt8(0x80, 8);
  const identifier = new Struct([
    [1, string(uuid)],
    [2, string(uuid)],
  ]);
  return new Struct([
    [1, struct(identifier)],
    [2, i32(0)],
    [3, bool(true)],
  ]);
}

/** A Spark where every statement returns one number, except for `fail`, which fails. It records its requests. */
export class FakeSpark {
  readonly asked: string[] = [];
  readonly statements: string[] = [];
  /** The configuration overlay of each statement. */
  readonly overlays: Map<string, string>[] = [];
  /** The number of rows requested by each fetch. */
  readonly fetched: number[] = [];
  readonly configurations: Map<string, string>[] = [];
  /** The statement states to report, in this order. Afterwards, statements are finished. */
  readonly states: number[] = [];
  /** Called before each answer. */
  beforeAnswer: (name: string, request: Struct) => void | Promise<void> = () => undefined;
  alive = true;
  #operations = 0;
  #failing = false;

  readonly call = async (name: string, request: Struct): Promise<Struct> => {
    this.asked.push(name);
    await this.beforeAnswer(name, request);
    switch (name) {
      case 'OpenSession':
        this.configurations.push(request.stringMap(4));
        return new Struct([
          [1, OK],
          [2, request.has(1) ? i32(request.i32(1) ?? 0) : i32(0)],
          [3, struct(handleOf('session'))],
        ]);
      case 'ExecuteStatement': {
        const statement = request.string(2) ?? '';
        this.statements.push(statement);
        this.overlays.push(request.stringMap(3));
        this.#failing = statement === 'fail';
        this.#operations += 1;
        return new Struct([
          [1, OK],
          [2, struct(handleOf(`operation-${this.#operations}`))],
        ]);
      }
      case 'GetOperationStatus':
        return new Struct(
          this.#failing
            ? [
                [1, OK],
                [2, i32(5)],
                [5, string('x.YException: [BAD_THING] It is bad. SQLSTATE: 22012;\n+- plan\n\tat x.Y.z(Y.java:1)')],
              ]
            : [
                [1, OK],
                [2, i32(this.states.shift() ?? 2)],
              ],
        );
      case 'GetResultSetMetadata':
        return new Struct([
          [1, OK],
          [2, struct(new Struct([[1, list(TYPE.struct, [struct(numberColumn)])]]))],
        ]);
      case 'FetchResults':
        this.fetched.push(Number(request.i64(3)));
        return new Struct([
          [1, OK],
          [3, struct(new Struct([[3, list(TYPE.struct, [struct(numbers(7))])]]))],
        ]);
      default:
        return new Struct([[1, OK]]);
    }
  };

  readonly close = (): void => {
    this.alive = false;
  };
}

const numberColumn = new Struct([
  [1, string('n')],
  [2, struct(new Struct([[1, list(TYPE.struct, [struct(new Struct([[1, struct(new Struct([[1, i32(3)]]))]]))])]]))],
  [3, i32(0)],
]);
const numbers = (...values: number[]): Struct =>
  new Struct([[4, struct(new Struct([[1, list(TYPE.i32, values.map(i32))]]))]]);
