import { annotationOf } from '../../ingest/annotations.ts';
import {
  isObject,
  type JsonSchema,
  propertiesOf,
  requiredOf,
  resolve,
  type SchemaObject,
} from '../../ingest/contract/json-schema.ts';
import type { Contract } from '../../ingest/schemas.ts';

/** A property's description in a schema, in readable form. */
export interface DescribedProperty {
  /** `user_id`, or `rsvps[].user_id` inside a list. */
  readonly name: string;
  /** Such as `integer`, or `list of objects`. */
  readonly type: string;
  readonly isRequired: boolean;
  readonly isNullable: boolean;
  /** Whether it is part of the entity's key. */
  readonly isKey: boolean;
  readonly personal: boolean | undefined;
  readonly description: string;
}

/** All properties of an entity, each followed by those inside it. */
export const describedProperties = ({ schema, key }: Contract): DescribedProperty[] => inside(schema, schema, '', key);

/** The top-level properties of an entity. */
export const describedColumns = (contract: Contract): DescribedProperty[] =>
  describedProperties(contract).filter(({ name }) => Object.hasOwn(propertyMap(contract.schema), name));

const propertyMap = (schema: SchemaObject): object => (isObject(schema.properties) ? schema.properties : {});

function inside(
  root: SchemaObject,
  schema: SchemaObject,
  prefix: string,
  key: readonly string[],
  within: readonly JsonSchema[] = [],
): DescribedProperty[] {
  if (within.includes(schema)) return [];
  const deeper = [...within, schema];
  return propertiesOf(schema).flatMap(([name, property]) => {
    const resolved = resolve(root, property);
    const own: DescribedProperty = {
      name: `${prefix}${name}`,
      type: typeName(root, property),
      isRequired: requiredOf(schema).includes(name),
      isNullable: allowsNull(resolved),
      isKey: prefix === '' && key.includes(name),
      personal:
        annotationOf(property).personal ?? (resolved === undefined ? undefined : annotationOf(resolved).personal),
      description: textOf(property) || (resolved === undefined ? '' : textOf(resolved)),
    };
    const [inner, suffix] = innerObject(root, resolved, '');
    return inner === undefined ? [own] : [own, ...inside(root, inner, `${prefix}${name}${suffix}.`, [], deeper)];
  });
}

/** The object inside a property, through any lists around it. */
function innerObject(
  root: SchemaObject,
  schema: JsonSchema | undefined,
  suffix: string,
): [SchemaObject | undefined, string] {
  if (!isObject(schema)) return [undefined, suffix];
  if (isObject(schema.items)) return innerObject(root, resolve(root, schema.items), `${suffix}[]`);
  return [propertiesOf(schema).length > 0 ? schema : undefined, suffix];
}

/** Whether null may be valid according to the schema's own keywords. */
function allowsNull(schema: JsonSchema | undefined): boolean {
  if (!isObject(schema)) return true;
  if (Array.isArray(schema.enum)) return schema.enum.includes(null);
  if (schema.const !== undefined) return schema.const === null;
  const types: readonly unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
  return types.includes(undefined) || types.includes('null');
}

function textOf(schema: JsonSchema): string {
  return isObject(schema) && typeof schema.description === 'string'
    ? schema.description.trim().replace(/\s+/g, ' ')
    : '';
}

function typeName(root: SchemaObject, property: JsonSchema): string {
  const schema = resolve(root, property);
  if (!isObject(schema)) return 'any';
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const given: readonly unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
  const types = given.filter((type) => typeof type === 'string' && type !== 'null');
  if (types.length === 0) return 'any';
  return types
    .map((type) => (type === 'array' && isObject(schema.items) ? `list of ${plural(root, schema.items)}` : type))
    .join(' or ');
}

function plural(root: SchemaObject, items: SchemaObject): string {
  const name = typeName(root, items);
  return /^[a-z]+$/.test(name) && name !== 'any' ? `${name}s` : name;
}
